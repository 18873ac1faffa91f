import type { InstanceType } from "../machines/model/instance-type.ts";

export type InstanceTypes = Readonly<Record<string, InstanceType>>;

/** A type's name comes from outside: `constructor` is none. */
export function typeNamed(types: InstanceTypes, name: string): InstanceType | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}
