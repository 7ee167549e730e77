// Whether a file keeps to speedscope's own schema, which its package carries.
import Ajv from "npm:ajv@8.17.1";
import schema from "npm:speedscope@1.25.0/dist/release/file-format-schema.json" with { type: "json" };

const validate = new Ajv({ strict: false }).compile(schema);
if (validate(JSON.parse(await Deno.readTextFile(Deno.args[0])))) console.log("valid");
else {
  console.error(validate.errors);
  Deno.exit(1);
}
