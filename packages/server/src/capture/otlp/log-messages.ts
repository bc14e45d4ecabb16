import type { MessageType } from "./read-message.ts";

// opentelemetry-proto v1.9: common.proto, resource.proto, logs.proto, logs_service.proto. Names are those of its JSON form.

const anyValue: MessageType = {
  oneof: true,
  fields: {
    1: { name: "stringValue", type: "string" },
    2: { name: "boolValue", type: "bool" },
    3: { name: "intValue", type: "int64" },
    4: { name: "doubleValue", type: "double" },
    5: { name: "arrayValue", type: () => arrayValue },
    6: { name: "kvlistValue", type: () => keyValueList },
    7: { name: "bytesValue", type: "bytes" },
  },
};

const arrayValue: MessageType = { fields: { 1: { name: "values", type: () => anyValue, repeated: true } } };

const keyValue: MessageType = {
  fields: { 1: { name: "key", type: "string" }, 2: { name: "value", type: () => anyValue } },
};

const keyValueList: MessageType = { fields: { 1: { name: "values", type: () => keyValue, repeated: true } } };

export const resourceType: MessageType = {
  fields: { 1: { name: "attributes", type: () => keyValue, repeated: true } },
};

export const scopeType: MessageType = {
  fields: {
    1: { name: "name", type: "string" },
    2: { name: "version", type: "string" },
    3: { name: "attributes", type: () => keyValue, repeated: true },
  },
};

export const logRecordType: MessageType = {
  fields: {
    1: { name: "timeUnixNano", type: "fixed64" },
    2: { name: "severityNumber", type: "int32" },
    3: { name: "severityText", type: "string" },
    5: { name: "body", type: () => anyValue },
    6: { name: "attributes", type: () => keyValue, repeated: true },
    7: { name: "droppedAttributesCount", type: "uint32" },
    8: { name: "flags", type: "fixed32" },
    9: { name: "traceId", type: "bytes" },
    10: { name: "spanId", type: "bytes" },
    11: { name: "observedTimeUnixNano", type: "fixed64" },
    12: { name: "eventName", type: "string" },
  },
};
