export { compareCrowdsec, crowdsecExpectations, type Expectation } from "./crowdsec.ts";
export { type Label, labelsAt } from "./label-of.ts";
export { measurePrecision, type Precision } from "./measure-precision.ts";
export { pantherEvents } from "./panther-events.ts";
export { type NativeInput, type ReadNativeOptions, readNative } from "./read-native.ts";
export { hasSharedData, readShared } from "./shared-data.ts";
