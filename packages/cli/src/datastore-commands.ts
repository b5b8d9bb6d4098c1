import { type Command, Option } from "commander";
import type { DatastoreFlags } from "./commands/datastore.ts";
import { type Action, examples } from "./action.ts";
import { dashed, KIND_NAMES, SECRET_FLAGS, SOURCE_NAMES, STORE_FLAGS } from "./flag-tables.ts";
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
    .option("-f, --file <file>", "read it, or several, from Azure ML's v2 YAML or from an ARM template")
    .option("--parameters <file>", "values for the parameters of a template")
    .option("--overwrite", "replace the datastore of that name in place; this rotates its secret")
    .addHelpText(
      "after",
      examples([
        "aml datastore create lake --type azure_blob --account-name contoso --container-name trips --credential identity",
        "aml datastore create lake --type azure_blob --account-name contoso --container-name trips --account-key-env KEY",
        "aml datastore create disk --type local --path ./data",
        "aml datastore create sales --type postgresql --server contoso --database sales --user reader --password-stdin < password.txt",
        "aml datastore create bricks --type dbfs --host adb-1.2.azuredatabricks.net --token-env DATABRICKS_TOKEN",
        "aml datastore create -f datastore.yml",
        "aml datastore create -f template.json --parameters parameters.json",
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
  for (const { name, argument, types, help } of STORE_FLAGS) {
    command.addOption(
      new Option(`${dashed(name)} <${argument}>`, `${help} (${types.join(", ")})`).helpGroup(STORE),
    );
  }
  command.addOption(
    new Option("--option <key=value>", "any option of the type; may be repeated")
      .argParser(list)
      .helpGroup(STORE),
  );
  const grouped = (group: string, flags: readonly (readonly [string, string])[]): void => {
    for (const [flag, help] of flags) command.addOption(new Option(flag, help).helpGroup(group));
  };
  grouped(CREDENTIAL, [
    ["--credential <kind>", `${KIND_NAMES.join(", ")}; asks for a missing secret`],
    ["--identity [source]", `no secret but who runs it: ${SOURCE_NAMES.join(", ")}`],
    ["--tenant-id <id>", "service_principal, identity of a person: tenant"],
    ["--client-id <id>", "service_principal, oauth_client, identity: client"],
    ["--authority-url <url>", "service_principal: token server of a sovereign cloud"],
    ["--resource-url <url>", "service_principal, identity: what the token is for, if not the store's own"],
    ["--certificate-file <file>", "service_principal: PEM file with certificate and private key"],
  ]);
  for (const { what, flag } of SECRET_FLAGS) {
    grouped(CREDENTIAL, [
      [`--${flag}-env <variable>`, `take the ${what} from an environment variable`],
      [`--${flag}-stdin`, `read the ${what} from stdin`],
    ]);
    // Secrets on a command line end in the shell's history and in the list of processes.
    command.addOption(new Option(`--${flag} <secret>`).hideHelp());
  }
  grouped(CREDENTIAL, [
    ["--secondary-key-env <variable>", "account_key: the other key, used when the first is refused"],
    ["--secret-stdin", "read the secret of --credential from stdin"],
    ["--secret-name <name>", "use a secret that the vault or AML_SECRET_<NAME> has under this name"],
  ]);
  return command
    .option("--description <text>", "for people")
    .addOption(new Option("--tag <key=value>", "may be repeated").argParser(list))
    .option("--skip-validation", "do not check that the store can be reached and listed");
}

const STORE = "Where the store is:";
const CREDENTIAL = "How to sign in:";
