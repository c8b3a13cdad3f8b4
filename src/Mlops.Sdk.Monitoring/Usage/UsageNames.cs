using System.Numerics;

namespace Mlops.Sdk.Monitoring;

/// <summary>Gives names small numbers: a bounded table that only grows, read without a lock. The first names get a number each; what comes when it is full is <see cref="Other"/>.</summary>
internal sealed class NameTable
{
    /// <summary>The number of no name.</summary>
    internal const int None = 0;

    /// <summary>The number of every name that has none of its own.</summary>
    internal const int Other = 1;

    /// <summary>The longest name that is kept; a longer one is not looked at, so that it costs nothing.</summary>
    internal const int MaxLength = 128;
    private const int First = 2;

    private readonly Entry?[] _entries;
    private readonly string[] _names;
    private readonly Lock _gate = new();
    private int _count;

    internal NameTable(int limit)
    {
        _names = new string[limit];
        _entries = new Entry?[BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, limit * 2))];
    }

    internal int Count => Volatile.Read(ref _count);

    internal int NumberOf(string? name)
    {
        if (name is null)
        {
            return None;
        }

        if (name.Length > MaxLength)
        {
            return Other;
        }

        int hash = name.GetHashCode(StringComparison.Ordinal); // random for each process: nobody can choose names that collide
        int at = hash & (_entries.Length - 1);
        while (Volatile.Read(ref _entries[at]) is { } entry)
        {
            if (entry.Hash == hash && (ReferenceEquals(entry.Name, name) || entry.Name == name))
            {
                return entry.Number;
            }

            at = (at + 1) & (_entries.Length - 1);
        }

        return Volatile.Read(ref _count) == _names.Length ? Other : Add(name, hash);
    }

    /// <summary>Gets the name of a number.</summary>
    internal string? NameOf(int number) => number switch
    {
        None => null,
        Other => UsageLog.Other,
        _ => _names[number - First],
    };

    private int Add(string name, int hash)
    {
        lock (_gate)
        {
            int at = hash & (_entries.Length - 1);
            for (; _entries[at] is { } entry; at = (at + 1) & (_entries.Length - 1))
            {
                if (entry.Name == name)
                {
                    return entry.Number;
                }
            }

            if (_count == _names.Length)
            {
                return Other;
            }

            _names[_count] = name;
            int number = First + _count;
            Volatile.Write(ref _entries[at], new Entry(name, hash, number));
            Volatile.Write(ref _count, _count + 1);
            return number;
        }
    }

    private sealed record Entry(string Name, int Hash, int Number);
}

/// <summary>The names of one hour: a new hour begins with none, so that callers that came to stay find room.</summary>
internal sealed class UsageNames(int maxCallers)
{
    internal const int MaxModels = 256;
    internal const int MaxErrors = 64;

    internal NameTable Models { get; } = new(MaxModels);

    internal NameTable Callers { get; } = new(maxCallers);

    internal NameTable Errors { get; } = new(MaxErrors);
}
