import type { ReadModel } from "../actors/read-model.ts";
import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { QueueStatus } from "../machines/planner/view.ts";
import { typeNamed, type InstanceTypes } from "./instance-types.ts";
import { wireTime } from "./wire-json.ts";

/** The queue as the last run of the planner saw it, in its order; null before the first (specification §11.3). */
export function queueEntries(readModel: ReadModel, types: InstanceTypes): object[] | null {
  const { queue } = readModel;
  if (!queue) return null;
  return queue.flatMap((status) => entryOf(readModel, types, status) ?? []);
}

export function queueEntry(
  readModel: ReadModel,
  types: InstanceTypes,
  containerId: string,
): object | undefined {
  const status = readModel.queue?.find((each) => each.containerId === containerId);
  return status && entryOf(readModel, types, status);
}

function entryOf(
  readModel: ReadModel,
  types: InstanceTypes,
  { containerId, text }: QueueStatus,
): object | undefined {
  const container = readModel.get("container", containerId);
  if (!container) return undefined;
  const { context } = container;
  const eligible = context.instanceTypes.flatMap((name) => typeNamed(types, name) ?? []);
  return {
    container: containerJson(container),
    instance_resources: resourcesJson(context.resources),
    instance_types: eligible.length > 0 ? eligible.map(typeJson) : null,
    first_seen_at: wireTime(context.firstSeenAtMs),
    scheduling_status: text,
  };
}

/** Spec §1.4: the members in this order, without name and scratch. */
function typeJson(type: InstanceType): object {
  return {
    ProviderType: type.providerType,
    VCPUs: type.vcpus,
    RAM: type.ram,
    IncludedScratch: type.includedScratch,
    AddedScratch: type.addedScratch,
    Price: type.price,
    Preemptible: type.preemptible,
    GPU: {
      Stack: type.gpu.stack,
      DriverVersion: type.gpu.driverVersion,
      HardwareTarget: type.gpu.hardwareTarget,
      DeviceCount: type.gpu.deviceCount,
      VRAM: type.gpu.vram,
    },
  };
}

function resourcesJson(resources: ContainerSnapshot["context"]["resources"]): object {
  return {
    VCPUs: resources.vcpus,
    RAM: resources.ram,
    Scratch: resources.scratch,
    GPUs: resources.gpus,
    GPUVRAM: resources.gpuVram,
  };
}

/** All members of a container record; those that the dispatcher does not keep are zero, as in the original. */
function containerJson({ value, context }: ContainerSnapshot): object {
  const { record } = context;
  return {
    uuid: context.containerId,
    etag: "",
    created_at: wireTime(context.createdAtMs),
    modified_by_user_uuid: "",
    modified_at: wireTime(null),
    command: null,
    container_image: record?.containerImage ?? "",
    cwd: "",
    environment: null,
    locked_by_uuid: "",
    lock_count: 0,
    mounts: null,
    output: "",
    output_path: "",
    output_glob: null,
    priority: context.priority,
    runtime_constraints: {
      API: false,
      ram: record?.ram ?? 0,
      vcpus: record?.vcpus ?? 0,
      keep_cache_ram: record?.keepCacheRam ?? 0,
      keep_cache_disk: record?.keepCacheDisk ?? 0,
      gpu: {
        stack: record?.gpu?.stack ?? "",
        driver_version: record?.gpu?.driverVersion ?? "",
        hardware_target: record?.gpu?.hardwareTarget ?? null,
        device_count: record?.gpu?.deviceCount ?? 0,
        vram: record?.gpu?.vram ?? 0,
      },
    },
    state: value.record === "unlisted" ? "" : value.record,
    scheduling_parameters: {
      partitions: null,
      preemptible: record?.preemptible ?? false,
      max_run_time: 0,
      supervisor: context.supervisor,
    },
    exit_code: 0,
    runtime_status: null,
    started_at: null,
    finished_at: null,
    gateway_address: "",
    interactive_session_started: false,
    output_storage_classes: null,
    runtime_user_uuid: "",
    runtime_auth_scopes: null,
    runtime_token: "",
    auth_uuid: "",
    log: "",
    cost: 0,
    subrequests_cost: 0,
    service: false,
    published_ports: null,
  };
}
