using Scheduler.Domain.Ids;

namespace Scheduler.TestKit;

/// <summary>One call that a <see cref="FakeProvider"/> received.</summary>
/// <param name="Verb"><c>Allocate</c> or <c>Release</c>.</param>
/// <param name="Region">Null for a release.</param>
public sealed record ProviderCall(string Verb, AllocationKey Key, string? Region);
