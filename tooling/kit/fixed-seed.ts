import { configureGlobal, readConfigureGlobal } from "fast-check";

// Random tests start from the same seed each time, so that nobody's change fails by luck.
configureGlobal({ ...readConfigureGlobal(), seed: 20_261_125 });
