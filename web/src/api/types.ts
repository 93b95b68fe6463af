// Short names for what the contract (schema.ts, generated from server/openapi.json) calls things.
import type { components, paths } from "./schema.ts";

type Schemas = components["schemas"];

export type Code = Schemas["Code"];
export type Place = Schemas["Place"];
export type DecodeOptions = Schemas["DecodeOptions"];
export type Model = Schemas["Model"];
export type ModelNumber = Schemas["ModelNumber"];
export type Output = Schemas["Output"];
export type PathPoint = Schemas["PathPoint"];
export type Sample = Schemas["Sample"];
export type Analogy = Schemas["Analogy"];
export type Child = Schemas["Child"];
export type Steered = Schemas["Steered"];
export type ClimbPoint = Schemas["ClimbPoint"];
export type Reconstruction = Schemas["Reconstruction"];
export type Neighbor = Schemas["Neighbor"];
export type Direction = Schemas["Direction"];
export type Dimension = Schemas["Dimension"];
export type MapPoint = Schemas["MapPoint"];
export type Projection = Schemas["Projection"];
export type Job = Schemas["Job"];
export type Problem = Schemas["Problem"];

/** Addresses that take a POST with a JSON body. */
export type PostPath = {
  [P in keyof paths]: paths[P] extends { post: { requestBody: { content: { "application/json": unknown } } } } ? P : never;
}[keyof paths];

export type RequestBody<P extends PostPath> = paths[P] extends {
  post: { requestBody: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;

type JsonOf<Responses> = {
  [Status in keyof Responses & (200 | 201 | 202)]: Responses[Status] extends { content: { "application/json": infer Json } }
    ? Json
    : never;
}[keyof Responses & (200 | 201 | 202)];

export type PostAnswer<P extends PostPath> = paths[P] extends { post: { responses: infer Responses } }
  ? JsonOf<Responses>
  : never;

/** Addresses that answer a GET with JSON and have no parameter in their path. */
export type GetPath = Exclude<
  {
    [P in keyof paths]: paths[P] extends { get: { responses: { 200: { content: { "application/json": unknown } } } } } ? P : never;
  }[keyof paths],
  `${string}{${string}`
>;

export type GetAnswer<P extends GetPath> = paths[P] extends { get: { responses: infer Responses } } ? JsonOf<Responses> : never;
