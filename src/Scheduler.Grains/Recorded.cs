namespace Scheduler.Grains;

/// <summary>
/// A grain's stored state as callers may see it: only what is recorded. Interleaved reads during a write see the old
/// value. After a failed write the memory holds nothing that the store may lack.
/// </summary>
internal sealed class Recorded<T>(IPersistentState<T> state)
    where T : class
{
    private T? _untilWritten;

    public T Value => _untilWritten ?? state.State;

    /// <summary>
    /// Writes the next value. After a failed write its outcome is unknown, so the grain deactivates and the next
    /// activation reads the stored state.
    /// </summary>
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
