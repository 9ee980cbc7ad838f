using Scheduler.Domain.Ids;

namespace Scheduler.TestKit;

/// <summary>One call a <see cref="FakeProvider"/> received.</summary>
/// <param name="Verb"><c>Allocate</c> or <c>Release</c>.</param>
/// <param name="Key">Under which key.</param>
/// <param name="Region">Where, for allocations.</param>
public sealed record ProviderCall(string Verb, AllocationKey Key, string? Region);
