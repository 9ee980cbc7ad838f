namespace Scheduler.Domain.Secrets;

/// <summary>A value cannot be encrypted or decrypted. The message says why, for an operator, and contains no secret.</summary>
public sealed class SecretUnreadableException : Exception
{
    public SecretUnreadableException() { }

    public SecretUnreadableException(string message)
        : base(message) { }

    public SecretUnreadableException(string message, Exception? innerException)
        : base(message, innerException) { }
}
