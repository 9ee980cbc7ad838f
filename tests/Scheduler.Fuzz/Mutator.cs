using System.Buffers.Binary;

namespace Scheduler.Fuzz;

/// <summary>Makes an input from one or two others: by bytes, by tokens and by the grammar of the target.</summary>
internal sealed class Mutator(FuzzTarget target, Dice dice)
{
    private const int MostSteps = 6;

    private readonly byte[][] _dictionary = target.Dictionary;
    private readonly byte[] _buffer = new byte[target.MaxLength];
    private readonly byte[] _copy = new byte[target.MaxLength];
    private readonly JsonTokens _tokens = new();
    private readonly JsonTokens _otherTokens = new();
    private readonly GgufFields _fields = new();
    private int _length;

    /// <summary>The mutated input; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Make(byte[] first, byte[] second)
    {
        _length = Math.Min(first.Length, _buffer.Length);
        first.AsSpan(0, _length).CopyTo(_buffer);
        var steps = 1;
        while (steps < MostSteps && dice.OneIn(2))
        {
            steps++;
        }

        for (var step = 0; step < steps; step++)
        {
            // One changed byte mostly makes text that is no JSON, so a JSON parser ends early.
            var byGrammar = target.Structure switch
            {
                Structure.Json => !dice.OneIn(8),
                Structure.Gguf => !dice.OneIn(3),
                Structure.Text or _ => false,
            };
            if (byGrammar && target.Structure == Structure.Json)
            {
                ChangeJson(second);
            }
            else if (byGrammar)
            {
                ChangeGguf();
            }
            else
            {
                ChangeBytes(second);
            }
        }

        return _buffer.AsMemory(0, _length);
    }

    private void ChangeBytes(ReadOnlySpan<byte> other)
    {
        var at = dice.Next(_length + 1);
        switch (dice.Next(9))
        {
            case 0 when _length > 0:
                _buffer[dice.Next(_length)] ^= (byte)(1 << dice.Next(8));
                break;
            case 1 when _length > 0:
                _buffer[dice.Next(_length)] = (byte)dice.Next(256);
                break;
            case 2:
                Replace(at, 0, [(byte)dice.Next(256)]);
                break;
            case 3:
                Replace(at, Math.Min(1 + dice.Next(dice.OneIn(4) ? 32 : 4), _length - at), []);
                break;
            case 4:
                Replace(dice.Next(_length + 1), 0, _buffer.AsSpan(at, Math.Min(1 + dice.Next(16), _length - at)));
                break;
            case 5:
                var from = dice.Next(other.Length);
                Replace(at, _length - at, other[from..]);
                break;
            case 6:
                Replace(at, 0, Token());
                break;
            case 7:
                var token = Token();
                Replace(at, Math.Min(token.Length, _length - at), token);
                break;
            default:
                if (at < _length && char.IsAsciiDigit((char)_buffer[at]))
                {
                    _buffer[at] = (byte)('0' + dice.Next(10));
                }
                else if (dice.OneIn(8))
                {
                    _length = at;
                }

                break;
        }
    }

    /// <summary>Replaces, repeats, removes or nests whole JSON values, so that most results are still JSON.</summary>
    private void ChangeJson(ReadOnlySpan<byte> other)
    {
        _tokens.Read(_buffer.AsSpan(0, _length));
        if (_tokens.Count == 0)
        {
            ChangeBytes(other);
            return;
        }

        var (start, end) = _tokens.Value(dice.Next(_tokens.Count));
        switch (dice.Next(7))
        {
            case 0 or 1:
                Replace(start, end - start, Token());
                break;
            case 2:
                _otherTokens.Read(other[..Math.Min(other.Length, target.MaxLength)]);
                if (_otherTokens.Count > 0)
                {
                    var (from, to) = _otherTokens.Value(dice.Next(_otherTokens.Count));
                    Replace(start, end - start, other[from..to]);
                }

                break;
            case 3:
                var (fromHere, toHere) = _tokens.Value(dice.Next(_tokens.Count));
                Replace(start, end - start, _buffer.AsSpan(fromHere, toHere - fromHere));
                break;
            case 4:
                Nest(start, end);
                break;
            case 5:
                // A member, its name included, or an element, with one comma.
                var (first, last) = _tokens.Member(start, end, _buffer.AsSpan(0, _length));
                Replace(first, last - first, []);
                break;
            default:
                var (again, until) = _tokens.Member(start, end, _buffer.AsSpan(0, _length));
                Replace(until, 0, _buffer.AsSpan(again, until - again));
                break;
        }
    }

    private void Nest(int start, int end)
    {
        var depth = dice.OneIn(4) ? 1 + dice.Next(80) : 1 + dice.Next(3);
        var isArray = dice.OneIn(2);
        for (var i = 0; i < depth && end <= _length && _length + 6 <= _buffer.Length; i++)
        {
            Replace(end, 0, isArray ? "]"u8 : "}"u8);
            Replace(start, 0, isArray ? "["u8 : "{\"a\":"u8);
            end += isArray ? 1 : 5;
        }
    }

    /// <summary>Overwrites a count, a length, a type or a number of the header.</summary>
    private void ChangeGguf()
    {
        _fields.Read(_buffer.AsSpan(0, _length));
        if (_fields.Count == 0)
        {
            ChangeBytes([]);
            return;
        }

        var (at, width) = _fields.Field(dice.Next(_fields.Count));
        var value = dice.Next(8) switch
        {
            0 => 0UL,
            1 => (ulong)dice.Next(14),
            2 => (ulong)dice.Next(300),
            3 => ulong.MaxValue,
            4 => 1UL << dice.Next(64),
            5 => unchecked((1UL << dice.Next(64)) - 1),
            6 => (ulong)_length + (ulong)dice.Next(3),
            _ => dice.Next() >> dice.Next(64),
        };
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..Math.Min(width, _length - at)].CopyTo(_buffer.AsSpan(at));
    }

    private ReadOnlySpan<byte> Token() => _dictionary[dice.Next(_dictionary.Length)];

    /// <summary>Replaces a part; an insertion beyond the longest input is cut.</summary>
    private void Replace(int at, int removed, ReadOnlySpan<byte> inserted)
    {
        var count = Math.Min(inserted.Length, _buffer.Length - at);
        inserted[..count].CopyTo(_copy);
        var tail = Math.Min(_length - at - removed, _buffer.Length - at - count);
        _buffer.AsSpan(at + removed, tail).CopyTo(_buffer.AsSpan(at + count));
        _copy.AsSpan(0, count).CopyTo(_buffer.AsSpan(at));
        _length = at + count + tail;
    }
}
