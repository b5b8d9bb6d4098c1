import { describe, expect, test } from "vitest";
import { createTokenCache, type AccessToken } from "../src/index.ts";

const MINUTE = 60_000;

function clock(): { now: () => number; at: number } {
  const time = { at: 1_000_000, now: () => time.at };
  return time;
}

/** Signs in with tokens named 1, 2, 3, … that live an hour. */
function issuer(now: () => number, lifeMs = 60 * MINUTE) {
  const state = { count: 0, fail: undefined as Error | undefined };
  const acquire = async (): Promise<AccessToken> => {
    state.count++;
    await Promise.resolve();
    if (state.fail) throw state.fail;
    return { token: String(state.count), expiresOnTimestamp: now() + lifeMs };
  };
  return { state, acquire };
}

describe("createTokenCache", () => {
  test("100 callers at once make one request", async () => {
    const { now } = clock();
    const { state, acquire } = issuer(now);
    const cache = createTokenCache({ now });
    const tokens = await Promise.all(Array.from({ length: 100 }, () => cache.get("k", acquire)));
    expect(new Set(tokens.map(({ token }) => token))).toEqual(new Set(["1"]));
    expect(state.count).toBe(1);
  });

  test("keys do not share tokens", async () => {
    const { now } = clock();
    const { state, acquire } = issuer(now);
    const cache = createTokenCache({ now });
    await cache.get("a", acquire);
    expect((await cache.get("b", acquire)).token).toBe("2");
    expect(state.count).toBe(2);
  });

  test("renews in the background from five minutes before the end", async () => {
    const time = clock();
    const { state, acquire } = issuer(time.now);
    const cache = createTokenCache({ now: time.now });
    await cache.get("k", acquire);
    time.at += 55 * MINUTE - 1;
    expect((await cache.get("k", acquire)).token).toBe("1");
    expect(state.count).toBe(1);
    time.at += 1;
    expect((await cache.get("k", acquire)).token).toBe("1");
    await new Promise(setImmediate);
    expect((await cache.get("k", acquire)).token).toBe("2");
    expect(state.count).toBe(2);
  });

  test("awaits the renewal in the last minute", async () => {
    const time = clock();
    const { acquire } = issuer(time.now);
    const cache = createTokenCache({ now: time.now });
    await cache.get("k", acquire);
    time.at += 59 * MINUTE;
    expect((await cache.get("k", acquire)).token).toBe("2");
  });

  test("renews when the issuer says so", async () => {
    const time = clock();
    let count = 0;
    const acquire = (): Promise<AccessToken> =>
      Promise.resolve({
        token: String(++count),
        expiresOnTimestamp: time.at + 24 * 60 * MINUTE,
        refreshAfterTimestamp: time.at + 12 * 60 * MINUTE,
      });
    const cache = createTokenCache({ now: time.now });
    await cache.get("k", acquire);
    time.at += 12 * 60 * MINUTE;
    await cache.get("k", acquire);
    expect(count).toBe(2);
  });

  test("a token that lives a minute is renewed at half time, not with every call", async () => {
    const time = clock();
    const { state, acquire } = issuer(time.now, MINUTE);
    const cache = createTokenCache({ now: time.now });
    await cache.get("k", acquire);
    await cache.get("k", acquire);
    expect(state.count).toBe(1);
    time.at += MINUTE / 2;
    expect((await cache.get("k", acquire)).token).toBe("2");
  });

  test("a failed renewal keeps the old token while it is valid, and is not repeated for 30 s", async () => {
    const time = clock();
    const { state, acquire } = issuer(time.now);
    const cache = createTokenCache({ now: time.now });
    await cache.get("k", acquire);
    state.fail = new Error("down");
    time.at += 59 * MINUTE + 1;
    expect((await cache.get("k", acquire)).token).toBe("1");
    expect((await cache.get("k", acquire)).token).toBe("1");
    expect(state.count).toBe(2);
    time.at += MINUTE;
    await expect(cache.get("k", acquire)).rejects.toThrow("down");
    state.fail = undefined;
    expect((await cache.get("k", acquire)).token).toBe("4");
  });

  test("aborting one caller leaves the others their request", async () => {
    const { now } = clock();
    const { state, acquire } = issuer(now);
    const cache = createTokenCache({ now });
    const controller = new AbortController();
    const gone = cache.get("k", acquire, { signal: controller.signal });
    const stays = cache.get("k", acquire);
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(gone).rejects.toBe(reason);
    expect((await stays).token).toBe("1");
    expect(state.count).toBe(1);
    await expect(cache.get("k", acquire, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("force asks again", async () => {
    const { now } = clock();
    const { acquire } = issuer(now);
    const cache = createTokenCache({ now });
    await cache.get("k", acquire);
    expect((await cache.get("k", acquire, { force: true })).token).toBe("2");
  });

  test("a sign-in that hangs is given up, and the next call asks anew", async () => {
    const { now } = clock();
    const { acquire } = issuer(now);
    const cache = createTokenCache({ now, timeoutMs: 5 });
    await expect(cache.get("k", () => new Promise(() => undefined))).rejects.toMatchObject({
      code: "timeout",
    });
    expect((await cache.get("k", acquire)).token).toBe("1");
  });
});
