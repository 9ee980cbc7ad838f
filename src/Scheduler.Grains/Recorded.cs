namespace Scheduler.Grains;

/// <summary>
/// A grain's stored state as it may be told: what is recorded, never what is about to be. Questions that are let in while a write is
/// under way read the old value, and a write that failed leaves nothing in memory that the store may not have.
/// </summary>
/// <typeparam name="T">The state; an immutable record.</typeparam>
/// <param name="state">Where it is kept.</param>
internal sealed class Recorded<T>(IPersistentState<T> state)
    where T : class
{
    private T? _untilWritten;

    /// <summary>What is recorded.</summary>
    public T Value => _untilWritten ?? state.State;

    /// <summary>Records the next value. When that fails its outcome is unknown, so the activation is dropped and the next one reads what is true.</summary>
    /// <param name="next">The whole new value.</param>
    /// <param name="grain">Whose state it is.</param>
    public async Task WriteAsync(T next, IGrainBase grain)
    {
        _untilWritten = state.State;
        state.State = next;
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            state.State = _untilWritten;
            grain.DeactivateOnIdle();
            throw;
        }
        finally
        {
            _untilWritten = null;
        }
    }
}
