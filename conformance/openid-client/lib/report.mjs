// Counts scenes and prints one line for each.

import { inspect } from 'node:util';

export class Report {
  passed = 0;
  failed = 0;

  /** Runs `story(scene)`; `scene(title, act)` plays one scene, and a failed one does not end the story. */
  async within(setting, story) {
    const scene = async (title, act) => {
      try {
        await act();
        this.passed += 1;
        console.log(`ok      ${setting}: ${title}`);
      } catch (error) {
        this.failed += 1;
        console.log(`FAILED  ${setting}: ${title}\n${indented(error)}`);
      }
    };
    await story(scene);
  }

  /** Something outside the scenes went wrong: the world could not be made, or the server did not start. */
  broken(error) {
    this.failed += 1;
    console.log(`FAILED  outside any scene\n${indented(error)}`);
  }
}

function indented(error) {
  return inspect(error, { depth: 4, breakLength: 120 }).replace(/^/gm, '        ');
}
