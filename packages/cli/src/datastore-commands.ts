import { type Command, Option } from "commander";
import type { DatastoreFlags } from "./commands/datastore.ts";
import { type Action, examples } from "./action.ts";
import type { GlobalFlags } from "./session.ts";

const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const body = async () => import("./commands/datastore.ts");

/** `aml datastore …` */
export function addDatastoreCommands(program: Command, action: Action): void {
  const datastore = program.command("datastore").description("named, secured connections to stores");
  addConnectionFlags(
    datastore.command("create").description("register a datastore, after checking that it can be read"),
  )
    .argument("[name]", "letters, digits and underscores; needed without --file")
    .option("--type <type>", "type of store, e.g. azure_blob, local, http")
    .option("-f, --file <file>", "read it from a file in Azure ML's v2 YAML")
    .option("--overwrite", "replace the datastore of that name in place; this rotates its secret")
    .addHelpText(
      "after",
      examples([
        "aml datastore create lake --type azure_blob --account-name contoso --container-name trips --credential identity",
        "aml datastore create lake --type azure_blob --account-name contoso --container-name trips --account-key-env KEY",
        "aml datastore create disk --type local --path ./data",
        "aml datastore create -f datastore.yml",
      ]),
    )
    .action(
      action(async (session, flags: DatastoreFlags, name) =>
        (await body()).createDatastore(session, flags, name),
      ),
    );
  addConnectionFlags(
    datastore.command("update").description("change some options, the credential or the description"),
  )
    .argument("<name>")
    .addHelpText(
      "after",
      examples([
        "aml datastore update lake --account-key-stdin < key.txt",
        "aml datastore update lake --description 'Taxi trips'",
      ]),
    )
    .action(
      action(async (session, flags: DatastoreFlags, name) =>
        (await body()).updateDatastore(session, flags, name ?? ""),
      ),
    );
  datastore
    .command("list")
    .description("list the datastores of the workspace; * marks the default")
    .addHelpText("after", examples(["aml datastore list", "aml datastore list --json"]))
    .action(action(async (session) => (await body()).listDatastores(session)));
  addNamed(datastore, action);
}

function addNamed(datastore: Command, action: Action): void {
  const named = (name: string, description: string, example: string): Command =>
    datastore
      .command(name)
      .description(description)
      .argument("<name>")
      .addHelpText("after", examples([example]));
  named("show", "print one datastore; secrets by name only", "aml datastore show lake").action(
    action(async (session, _flags: GlobalFlags, name) => (await body()).showDatastore(session, name ?? "")),
  );
  named("test", "check that a datastore can be reached and listed", "aml datastore test lake").action(
    action(async (session, _flags: GlobalFlags, name) => (await body()).testDatastore(session, name ?? "")),
  );
  named("delete", "remove a datastore and its secrets; the data stays", "aml datastore delete lake").action(
    action(async (session, _flags: GlobalFlags, name) => (await body()).deleteDatastore(session, name ?? "")),
  );
  named("set-default", "make a datastore the default", "aml datastore set-default lake").action(
    action(async (session, _flags: GlobalFlags, name) =>
      (await body()).setDefaultDatastore(session, name ?? ""),
    ),
  );
}

function addConnectionFlags(command: Command): Command {
  const flags: readonly (readonly [string, string])[] = [
    ["--account-name <name>", "azure_blob: storage account"],
    ["--container-name <name>", "azure_blob: container"],
    ["--endpoint <endpoint>", "azure_blob: suffix or URL of the service, for other clouds and emulators"],
    ["--protocol <protocol>", "azure_blob: https (default) or http"],
    ["--path <folder>", "local: folder"],
    ["--url <url>", "http: root address"],
    ["--description <text>", "for people"],
    [
      "--credential <kind>",
      "account_key, sas, service_principal, identity or anonymous; asks for a missing secret",
    ],
    ["--account-key-env <variable>", "take the account key from an environment variable"],
    ["--sas-token-env <variable>", "take the SAS token from an environment variable"],
    ["--client-secret-env <variable>", "take the client secret from an environment variable"],
    ["--account-key-stdin", "read the account key from stdin"],
    ["--sas-token-stdin", "read the SAS token from stdin"],
    ["--client-secret-stdin", "read the client secret from stdin"],
    ["--secret-stdin", "read the secret of --credential from stdin"],
    ["--secret-name <name>", "use a secret that the vault or AML_SECRET_<NAME> has under this name"],
    ["--tenant-id <id>", "service_principal: tenant"],
    ["--client-id <id>", "service_principal, identity: client"],
    ["--certificate-file <file>", "service_principal: PEM file with certificate and private key"],
    ["--skip-validation", "do not check that the store can be reached and listed"],
  ];
  for (const [flag, description] of flags) command.option(flag, description);
  // Secrets on a command line end in the shell's history and in the list of processes.
  for (const flag of ["--account-key <key>", "--sas-token <token>", "--client-secret <secret>"]) {
    command.addOption(new Option(flag).hideHelp());
  }
  return command
    .addOption(new Option("--option <key=value>", "any option of the type; may be repeated").argParser(list))
    .addOption(new Option("--tag <key=value>", "may be repeated").argParser(list));
}
