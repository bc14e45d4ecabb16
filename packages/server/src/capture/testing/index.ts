export { measurePrecision, type Precision } from "./measure-precision.ts";
export { type NativeInput, type ReadNativeOptions, readNative } from "./read-native.ts";
export { hasSharedData, readShared } from "./shared-data.ts";
