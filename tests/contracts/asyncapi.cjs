// Reads the AsyncAPI document named by the first argument; prints what the parser says of it, one finding a line.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

const SEVERITIES = ["error", "warning", "information", "hint"];

new Parser().parse(readFileSync(process.argv[2], "utf8")).then(({ document, diagnostics }) => {
  const findings = diagnostics.map(({ severity, message, path }) => ({
    severity: SEVERITIES[severity],
    message,
    path: path.join("/"),
  }));
  const channels = document ? document.channels().all().map((channel) => channel.id()) : [];
  const messages = document ? document.components().messages().all().map((message) => message.id()) : [];
  console.log(JSON.stringify({ findings, channels, messages }));
});
