using System.Runtime.InteropServices;

namespace Scheduler.ModelFit;

/// <summary>What the cache of a launch holds.</summary>
/// <param name="Tokens">Tokens of sequences at full context.</param>
/// <param name="RequestTokens">Tokens of the request that was asked for, at most the context.</param>
/// <param name="Requests">Such requests that it holds together, at most the sequences at once; ≥ 1.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct CacheRoom(long Tokens, long RequestTokens, int Requests);
