namespace Scheduler.Providers.Lambda;

/// <summary>An offer id holds all that a launch request needs: <c>us-east-1/gpu_1x_a10</c>.</summary>
internal sealed record LambdaOfferId(string Region, string InstanceType)
{
    /// <returns>Null for a text that is none.</returns>
    internal static LambdaOfferId? Read(string text) =>
        text.Split('/') is [{ Length: > 0 } region, { Length: > 0 } type] ? new LambdaOfferId(region, type) : null;

    public override string ToString() => $"{Region}/{InstanceType}";
}
