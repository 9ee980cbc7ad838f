namespace Scheduler.BrowserTests;

/// <summary>Something went wrong in a page that the test did not ask for.</summary>
public sealed class PageTroubleException(string message) : Exception(message);
