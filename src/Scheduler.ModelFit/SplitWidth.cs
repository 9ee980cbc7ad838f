using System.Runtime.InteropServices;

namespace Scheduler.ModelFit;

/// <summary>A width that tensor parallelism divides; each GPU's share must hold whole blocks of scales.</summary>
/// <param name="Block">Elements of the width per scale, ≥ 2.</param>
[StructLayout(LayoutKind.Auto)]
[GenerateSerializer, Immutable, Alias("scheduler.SplitWidth")]
public readonly record struct SplitWidth([property: Id(0)] long Width, [property: Id(1)] int Block)
{
    public bool Allows(int gpus) => gpus == 1 || (Width % gpus == 0 && Width / gpus % Block == 0);
}
