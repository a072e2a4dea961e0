// Tests of one file that tell one story: after a failure the later ones have nothing to stand on and are skipped.
import { test as single } from "node:test";

let broken = false;

export function test(title, body) {
  return single(title, async (context) => {
    if (broken) return context.skip("an earlier part of the story failed");
    try {
      return await body(context);
    } catch (error) {
      broken = true;
      throw error;
    }
  });
}
