using Scheduler.Edge;

namespace Scheduler.Inference.Upstream;

/// <summary>Makes the events of the client's stream from the bytes of a runtime's.</summary>
internal interface IEventRelay : IDisposable
{
    /// <summary>Whether bytes are ready for the client.</summary>
    bool HasReady { get; }

    /// <summary>Whether the bytes given so far end inside an event.</summary>
    bool IsInsideEvent { get; }

    /// <summary>Free buffer space for the runtime's next bytes. Call only when nothing is ready.</summary>
    Memory<byte> FreeSpace();

    /// <summary>Processes bytes that were written to <see cref="FreeSpace"/>.</summary>
    /// <exception cref="HttpIOException">They cannot be understood.</exception>
    void Filled(int bytes);

    /// <summary>Copies ready bytes and returns their count.</summary>
    int Give(Span<byte> destination);

    /// <summary>Ends a stream that is whole.</summary>
    void End();

    /// <summary>Ends a stream that broke off, with the error as its last event.</summary>
    void Break(ApiError error);
}
