// SPDX-License-Identifier: Apache-2.0
export { load, LacunaError } from "./client.mjs";
export { Service } from "./service.mjs";
