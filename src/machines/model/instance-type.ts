/** A configured instance type (specification §1.4). Sizes are bytes, `price` is per hour. */
export interface InstanceType {
  readonly name: string;
  readonly providerType: string;
  readonly vcpus: number;
  readonly ram: number;
  readonly includedScratch: number;
  readonly addedScratch: number;
  /** includedScratch + addedScratch. */
  readonly scratch: number;
  readonly price: number;
  readonly preemptible: boolean;
  readonly gpu: InstanceTypeGpu;
}

export interface InstanceTypeGpu {
  readonly stack: string;
  readonly driverVersion: string;
  readonly hardwareTarget: string;
  readonly deviceCount: number;
  /** Bytes per device. */
  readonly vram: number;
}

export const NO_GPU: InstanceTypeGpu = {
  stack: "",
  driverVersion: "",
  hardwareTarget: "",
  deviceCount: 0,
  vram: 0,
};

/** What a container needs, or what an instance has (specification §5.1, §5.3). Sizes are bytes. */
export interface Resources {
  readonly vcpus: number;
  readonly ram: number;
  readonly scratch: number;
  readonly gpus: number;
  readonly gpuVram: number;
}
