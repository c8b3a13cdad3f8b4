using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Gives each thread that counts a lane of its own for a moment, so that threads do not meet.</summary>
/// <remarks>
/// A thread claims a lane with one compare-exchange and gives it back when it has counted. A lane that is taken is passed over for the next
/// one, so a thread waits for nobody; there are at least twice as many lanes as processors.
/// </remarks>
internal sealed class LaneGates
{
    /// <summary>How many lanes there are: a power of two.</summary>
    internal static readonly int Count = (int)Math.Clamp(BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 2), 4, 256);

    private readonly Gate[] _gates = new Gate[Count];

    /// <summary>Claims a lane for the calling thread.</summary>
    /// <returns>Its number; to be given back by <see cref="Release"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Claim()
    {
        Gate[] gates = _gates;
        int lane = Environment.CurrentManagedThreadId & (gates.Length - 1);
        return Interlocked.CompareExchange(ref gates[lane].Taken, 1, 0) == 0 ? lane : ClaimAnother(lane);
    }

    /// <summary>Claims one lane, after whoever has it: for readers.</summary>
    internal void Claim(int lane)
    {
        SpinWait wait = default;
        while (Interlocked.CompareExchange(ref _gates[lane].Taken, 1, 0) != 0)
        {
            wait.SpinOnce();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Release(int lane) => Volatile.Write(ref _gates[lane].Taken, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int ClaimAnother(int lane)
    {
        SpinWait wait = default;
        for (int tries = 1; ; tries++)
        {
            lane = (lane + 1) & (_gates.Length - 1);
            if (Volatile.Read(ref _gates[lane].Taken) == 0 && Interlocked.CompareExchange(ref _gates[lane].Taken, 1, 0) == 0)
            {
                return lane;
            }

            if (tries % _gates.Length == 0)
            {
                wait.SpinOnce();
            }
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Gate
    {
        [FieldOffset(64)]
        internal int Taken;
    }
}
