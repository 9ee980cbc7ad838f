namespace Scheduler.Domain.Failures;

/// <summary>Code to category, statuses, retriability and hint: the one place a <see cref="Failure"/> comes from.</summary>
public static class FailureCatalogue;
