using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Scheduler.Domain.Failures;

namespace Scheduler.Grains;

/// <summary>A grain's answer to a command or query: a value, or a refusal that the API maps to a status.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Answer`1")]
public sealed record Answer<T>
    where T : class
{
    /// <summary>Null when refused.</summary>
    [Id(0)]
    public T? Value { get; init; }

    /// <summary>Null when there is a value.</summary>
    [Id(1)]
    public Refusal? Refusal { get; init; }

    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsOk => Refusal is null;

    public static implicit operator Answer<T>(T value) => new() { Value = value };

    public static implicit operator Answer<T>(Refusal refusal) => new() { Refusal = refusal };
}

/// <summary>Why a command was not executed.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Refusal")]
public sealed record Refusal
{
    [Id(0)]
    public RefusalKind Kind { get; init; }

    [Id(1)]
    public string Message { get; init; } = "";

    /// <summary>The catalogued failure, for <see cref="RefusalKind.Failed"/>.</summary>
    [Id(2)]
    public Failure? Failure { get; init; }

    /// <summary>The validation errors, for <see cref="RefusalKind.Invalid"/>.</summary>
    [Id(3)]
    public ImmutableArray<FieldFault> Faults { get; init; } = [];

    /// <summary>The state that forbids the command, for <see cref="RefusalKind.WrongState"/>.</summary>
    [Id(4)]
    public string? State { get; init; }

    /// <summary>Commands allowed in that state.</summary>
    [Id(5)]
    public ImmutableArray<string> Allowed { get; init; } = [];

    /// <summary>The object does not exist or belongs to another account (INV-08: the two answers are equal).</summary>
    public static Refusal NotFound(string what) =>
        new() { Kind = RefusalKind.NotFound, Message = $"{what} not found." };

    /// <summary>An object with this id exists and differs.</summary>
    public static Refusal Exists(string message) => new() { Kind = RefusalKind.AlreadyExists, Message = message };

    /// <summary>Validation errors, all of them at once.</summary>
    public static Refusal Invalid(params IEnumerable<FieldFault> faults) =>
        new()
        {
            Kind = RefusalKind.Invalid,
            Message = "The request has invalid fields.",
            Faults = [.. faults],
        };

    public static Refusal Failed(Failure failure) =>
        new()
        {
            Kind = RefusalKind.Failed,
            Message = failure.Message,
            Failure = failure,
        };
}

/// <summary>Kinds of refusal; the API maps each to one gRPC status.</summary>
public enum RefusalKind
{
    /// <summary>NOT_FOUND.</summary>
    NotFound = 1,

    /// <summary>ALREADY_EXISTS.</summary>
    AlreadyExists = 2,

    /// <summary>INVALID_ARGUMENT with field violations.</summary>
    Invalid = 3,

    /// <summary>FAILED_PRECONDITION naming the state and what is allowed in it.</summary>
    WrongState = 4,

    /// <summary>The failure's own status from the catalogue.</summary>
    Failed = 5,
}

/// <param name="Field">Path as the caller wrote it, for example <c>spec.context_tokens</c>.</param>
/// <param name="Description">What is wrong and what is accepted.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FieldFault")]
public sealed record FieldFault([property: Id(0)] string Field, [property: Id(1)] string Description);
