namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>Why a runtime ended, finer than its failure code; it decides the hint. Details show it by name.</summary>
public enum ExitCause
{
    /// <summary>No rule explains the end.</summary>
    Unknown = 0,

    /// <summary>Weights, cache or activations exceeded the GPU's memory.</summary>
    GpuMemory = 1,

    /// <summary>The cache for the requested context exceeds what is left after the weights.</summary>
    GpuCache = 2,

    /// <summary>Other processes hold memory of the GPU.</summary>
    GpuMemoryOccupied = 3,

    /// <summary>The host's main memory, or the container's limit of it, ran out.</summary>
    HostMemory = 4,

    ImageRights = 10,
    ImageRateLimit = 11,
    ImageMissing = 12,
    ImageArchitecture = 13,
    ImageDisk = 14,
    ImageNetwork = 15,

    /// <summary>The image could not be pulled; the output does not say why.</summary>
    ImageOther = 16,

    ModelMissing = 20,

    /// <summary>The repository asks for acceptance of its terms, or for a token.</summary>
    ModelGated = 21,
    ModelRateLimit = 22,
    ModelNetwork = 23,
    ModelDisk = 24,
    ModelFileMissing = 25,
    ModelDamaged = 26,
    ModelArchitecture = 27,
    ModelQuantization = 28,

    /// <summary>The number of GPUs does not divide a dimension of the model.</summary>
    ModelSplit = 29,

    /// <summary>The model needs its own code (<c>trust_remote_code</c>).</summary>
    ModelCode = 30,

    /// <summary>The GPU lacks an instruction that the model's number format needs.</summary>
    ModelGpuTooOld = 31,

    /// <summary>The model could not be loaded; the output does not say why.</summary>
    ModelOther = 32,

    /// <summary>The requested context is longer than the model's.</summary>
    Context = 40,

    /// <summary>Driver or container toolkit: the GPU is not visible or not usable.</summary>
    GpuAccess = 41,

    /// <summary>The container's shared memory is too small.</summary>
    SharedMemory = 42,

    /// <summary>The image is for another processor architecture.</summary>
    Program = 43,

    /// <summary>An argument that the engine does not know.</summary>
    Arguments = 44,

    /// <summary>A signal from outside, without want of memory.</summary>
    Killed = 45,
}
