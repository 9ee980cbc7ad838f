using System.Reflection;

namespace Scheduler.Edge;

/// <summary>The version of this build; its one source is <c>Version</c> in <c>Directory.Build.props</c>.</summary>
public static class ProductVersion
{
    /// <summary>The number, and after <c>+</c> the commit if the build knew it: <c>0.1.0+3f2a…</c>.</summary>
    public static string Full { get; } =
        typeof(ProductVersion)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion;

    /// <summary>The number alone: <c>0.1.0</c>.</summary>
    public static string Number { get; } = Full.Split('+')[0];
}
