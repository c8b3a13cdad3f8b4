using System.Runtime.CompilerServices;
using System.Text;

namespace Mlops.Sdk;

/// <summary>Remembers some short texts, so that what is read a million times is in memory once. Bounded; forgets by overwriting. Thread-safe: a slot holds a whole string or none.</summary>
internal sealed class TextPool
{
    private const int Slots = 1024;
    private const int MaxLength = 64;
    private readonly string?[] _texts = new string?[Slots];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // see EntryScanner
    internal string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxLength)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        Span<char> text = stackalloc char[MaxLength];
        int length = Encoding.UTF8.GetChars(utf8, text);
        text = text[..length];
        uint hash = 2166136261; // FNV-1a: the texts are our own, nobody gains by making them collide
        foreach (byte b in utf8)
        {
            hash = (hash ^ b) * 16777619;
        }

        ref string? slot = ref _texts[hash & (Slots - 1)];
        string? there = Volatile.Read(ref slot);
        if (there is not null && text.SequenceEqual(there))
        {
            return there;
        }

        string made = new(text);
        Volatile.Write(ref slot, made);
        return made;
    }
}
