using Scheduler.Edge.Limits;

namespace Scheduler.UnitTests.Edge.Limits;

/// <summary>Collections that take no time, so that freed bytes are never in the way of a test.</summary>
internal sealed class QuickCollections : IFullCollections
{
    public int Count { get; private set; }

    public void Run() => Count++;

    public void Trim() => Count++;
}
