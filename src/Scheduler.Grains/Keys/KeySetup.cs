using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Scheduler.Grains.Keys;

public static class KeySetup
{
    /// <summary>Adds the one <see cref="KeyAuthority"/> of this process. Idempotent.</summary>
    public static IServiceCollection AddKeys(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<KeyAuthority>();
        return services;
    }
}
