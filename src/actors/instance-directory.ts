import type { Instance } from "../drivers/cloud/port.ts";

/**
 * What the cloud last said of each instance, tags and all. Tags hold secrets, so this stays in memory: facts and commands
 * refer to instances by id.
 */
export class InstanceDirectory {
  readonly #instances = new Map<string, Instance>();

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  set(instance: Instance): void {
    this.#instances.set(instance.instanceId, instance);
  }

  /** Tags are as good as saved once the cloud has accepted them: its lists may lag behind. */
  setTags(instanceId: string, tags: Instance["tags"]): void {
    const instance = this.#instances.get(instanceId);
    if (instance)
      this.#instances.set(instanceId, { ...instance, tags: { ...instance.tags, ...tags } });
  }

  delete(instanceId: string): void {
    this.#instances.delete(instanceId);
  }
}
