namespace Scheduler.Host;

internal static class Exceptions
{
    /// <summary>The first exception of a type in the chain of inner exceptions, or null.</summary>
    public static T? Find<T>(this Exception exception)
        where T : Exception =>
        exception as T
        ?? (exception as AggregateException)
            ?.InnerExceptions.Select(inner => inner.Find<T>())
            .FirstOrDefault(found => found is not null)
        ?? exception.InnerException?.Find<T>();
}
