using System.Globalization;

namespace Scheduler.Providers.RunPod;

/// <summary>An offer id holds all that a create request needs: <c>SECURE/EU-RO-1/NVIDIA H100 80GB HBM3/2</c>.</summary>
internal sealed record RunPodOfferId(string Cloud, string Region, string Gpu, int Count)
{
    /// <returns>Null for a text that is none.</returns>
    internal static RunPodOfferId? Read(string text)
    {
        var parts = text.Split('/');
        return
            parts.Length == 4
            && RunPodOptions.AllClouds.Contains(parts[0], StringComparer.Ordinal)
            && parts[1].Length > 0
            && parts[2].Length > 0
            && int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count is > 0 and <= RunPodMapping.MaxGpuCount
            ? new RunPodOfferId(parts[0], parts[1], parts[2], count)
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Cloud}/{Region}/{Gpu}/{Count}");
}
