/** JSON columns are text, so that both databases keep the very bytes that were written. */
export interface Tables {
  aml_schema: { version: number };
  datastores: {
    /** Lower case. */
    name: string;
    type: string;
    /** JSON: options, credential (names of secrets), description, tags. */
    spec: string;
    created_at: string;
    updated_at: string;
  };
  datasets: {
    name: string;
    /** 1, 2, 3, … per name. */
    version: number;
    kind: "file" | "tabular";
    hash: string;
    /** JSON: description, tags. */
    spec: string;
    /** JSON. */
    plan: string;
    created_at: string;
  };
  settings: {
    key: string;
    /** JSON: a string. */
    value: string;
  };
}
