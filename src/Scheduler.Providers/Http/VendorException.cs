namespace Scheduler.Providers.Http;

/// <summary>A vendor did not do what it was asked, or what it did is not known. The message holds its own words.</summary>
internal class VendorException : Exception
{
    public VendorException() { }

    public VendorException(string message)
        : base(message) { }

    public VendorException(string message, Exception? innerException)
        : base(message, innerException) { }

    /// <summary>Whether the vendor has answered, so that it does not act on the request any more.</summary>
    public bool WasAnswered { get; init; }
}

/// <summary>The call was not sent, so it had no effect.</summary>
internal class VendorNotAskedException : VendorException
{
    public VendorNotAskedException() { }

    public VendorNotAskedException(string message)
        : base(message) { }

    public VendorNotAskedException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>The vendor's rate limit permits no call for now.</summary>
internal sealed class VendorBusyException : VendorNotAskedException
{
    public VendorBusyException() { }

    public VendorBusyException(string message)
        : base(message) { }

    public VendorBusyException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>The vendor refuses the credential, or there is none. The call had no effect.</summary>
internal sealed class CredentialRefusedException : VendorNotAskedException
{
    public CredentialRefusedException() { }

    public CredentialRefusedException(string message)
        : base(message) { }

    public CredentialRefusedException(string message, Exception? innerException)
        : base(message, innerException) { }

    /// <summary>The reason for tenants. The message is for operators: it names the file or variable of the key.</summary>
    public string TenantWords { get; init; } = "";
}
