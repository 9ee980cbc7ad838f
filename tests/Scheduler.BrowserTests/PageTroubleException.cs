namespace Scheduler.BrowserTests;

/// <summary>A page had an error that the test did not expect.</summary>
public sealed class PageTroubleException(string message) : Exception(message);
