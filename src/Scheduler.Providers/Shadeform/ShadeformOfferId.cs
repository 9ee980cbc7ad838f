namespace Scheduler.Providers.Shadeform;

/// <summary>An offer id holds all that a create request needs: <c>hyperstack/canada-1/H100x2</c>.</summary>
internal sealed record ShadeformOfferId(string Cloud, string Region, string InstanceType)
{
    /// <returns>Null for a text that is none.</returns>
    internal static ShadeformOfferId? Read(string text) =>
        text.Split('/') is [{ Length: > 0 } cloud, { Length: > 0 } region, { Length: > 0 } type]
            ? new ShadeformOfferId(cloud, region, type)
            : null;

    public override string ToString() => $"{Cloud}/{Region}/{InstanceType}";
}
