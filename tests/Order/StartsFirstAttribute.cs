namespace Scheduler.Tests;

/// <summary>
/// Marks a test class, or the definition of a collection, that takes far longer than most. Started last, it would run
/// alone at the end.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class StartsFirstAttribute : Attribute;
