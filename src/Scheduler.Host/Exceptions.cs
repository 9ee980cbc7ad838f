namespace Scheduler.Host;

/// <summary>Looks for the exception that matters among those that wrap it.</summary>
internal static class Exceptions
{
    /// <summary>The first of a type in the chain of causes, or null.</summary>
    public static T? Find<T>(this Exception exception)
        where T : Exception =>
        exception as T
        ?? (exception as AggregateException)
            ?.InnerExceptions.Select(inner => inner.Find<T>())
            .FirstOrDefault(found => found is not null)
        ?? exception.InnerException?.Find<T>();
}
