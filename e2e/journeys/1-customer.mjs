import { customerIsHelped } from "../lib/flows.mjs";
export default (t) => customerIsHelped(t, { js: true });
