namespace Scheduler.Providers.Http;

/// <summary>Finds a vendor's GPU in the catalogue. Vendors add makers and form factors to the names.</summary>
internal static class VendorGpus
{
    private static readonly string[] Makers = ["NVIDIA ", "GeForce ", "Tesla ", "AMD ", "Instinct "];

    /// <param name="names">The vendor's names of one GPU, the most exact first.</param>
    /// <param name="vramGib">GiB of one GPU as the vendor states it.</param>
    /// <param name="board">Words that may name the board, PCIe or SXM; may be empty.</param>
    /// <returns>The catalogue name; null if the catalogue does not contain the GPU.</returns>
    internal static string? TypeOf(
        GpuNameResolver resolver,
        double vramGib,
        string board,
        params IEnumerable<string?> names
    )
    {
        foreach (var name in names.OfType<string>().Where(name => name.Length > 0))
        {
            var bare = Makers.Aggregate(
                name,
                (left, maker) => left.StartsWith(maker, StringComparison.Ordinal) ? left[maker.Length..] : left
            );
            foreach (
                var spelled in (string[])
                    [name, name.Replace(' ', '-'), bare, bare.Replace(' ', '-'), bare.Split(' ')[0]]
            )
            {
                if (resolver(spelled, vramGib, board) is { } type)
                {
                    return type;
                }
            }
        }

        return null;
    }
}
