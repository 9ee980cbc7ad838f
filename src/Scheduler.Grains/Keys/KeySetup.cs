using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Scheduler.Grains.Keys;

/// <summary>Registers what keys need in every silo.</summary>
public static class KeySetup
{
    /// <summary>Adds the one <see cref="KeyAuthority"/> of this silo. Harmless when repeated.</summary>
    public static IServiceCollection AddKeys(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<KeyAuthority>();
        return services;
    }
}
