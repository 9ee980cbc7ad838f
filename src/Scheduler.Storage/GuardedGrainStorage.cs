using System.Globalization;
using Orleans.Storage;

namespace Scheduler.Storage;

/// <summary>
/// Orleans' ADO.NET grain storage with two additions. The exception for an unreadable state names kind and key. A key
/// that the storage would treat as a number is rejected.
/// </summary>
internal sealed class GuardedGrainStorage(IGrainStorage inner) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    )
    {
        Guard(grainId);
        try
        {
            await inner.ReadStateAsync(stateName, grainId, grainState, cancellationToken);
        }
        catch (UnreadableStateException exception)
        {
            throw new UnreadableStateException(
                stateName,
                grainId.Key.ToString(),
                exception.SchemaVersion,
                exception.Why,
                exception
            );
        }
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task WriteStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    )
    {
        Guard(grainId);
        return inner.WriteStateAsync(stateName, grainId, grainState, cancellationToken);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ClearStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    )
    {
        Guard(grainId);
        return inner.ClearStateAsync(stateName, grainId, grainState, cancellationToken);
    }

    /// <summary>
    /// The ADO.NET storage treats every text key of hexadecimal digits as a number, so <c>abc</c>, <c>ABC</c> and
    /// <c>0abc</c> would share one row.
    /// </summary>
    private static void Guard(GrainId grainId)
    {
        var key = grainId.Key.ToString();
        if (
            key is null or ""
            || key.All(char.IsAsciiHexDigit)
            || Guid.TryParse(key, CultureInfo.InvariantCulture, out _)
        )
        {
            throw new ArgumentException(
                $"Grain key '{key}' of {grainId.Type} would be stored as a number; begin it with a prefix such as 'i-'.",
                nameof(grainId)
            );
        }
    }
}
