using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>The container of a request, for vendors that start containers.</summary>
internal static class RentalContainer
{
    /// <returns>The container, or why there is none.</returns>
    internal static (RuntimeContainer? Container, string? Fault) Of(AllocationRequest request)
    {
        if (!RuntimePresets.BuiltIn.TryGetValue(request.Runtime.Preset, out var preset))
        {
            return (null, $"no runtime preset '{OutputLines.Clean(request.Runtime.Preset)}'");
        }

        try
        {
            return RuntimeContainer.Of(preset, request);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            return (null, e.Message);
        }
    }
}
