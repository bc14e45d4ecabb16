export { makeRequestCheck } from "./check-request.ts";
export { describeFailure } from "./describe-failure.ts";
export {
  type FieldProblem,
  FieldsError,
  makeProblem,
  makeRawAnswer,
  PROBLEM_TYPE,
  type Problem,
  ProblemSchema,
  RetryError,
} from "./problem.ts";
export { toEvidentError } from "./to-evident-error.ts";
