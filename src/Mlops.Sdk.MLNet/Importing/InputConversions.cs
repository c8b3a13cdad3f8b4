using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlops.Sdk.MLNet;

/// <summary>Gives a number slot to ML.NET as the type that a model's file asks for: models of this library ask for single precision, others for anything.</summary>
internal static class InputConversions
{
    private static readonly MethodInfo Nothing = typeof(InputConversions).GetMethod(nameof(NothingOf), BindingFlags.NonPublic | BindingFlags.Static)!;

    internal static bool IsNumber(DataViewType type) => type is NumberDataViewType or BooleanDataViewType;

    /// <summary>Makes the getter of a column that a number slot stands behind. A missing value (NaN) is no, 0 or NaN, whatever the type has.</summary>
    internal static Delegate Getter(DataViewType type, float[] numbers, int index) => type.RawType switch
    {
        var t when t == typeof(float) => (ValueGetter<float>)((ref float value) => value = numbers[index]),
        var t when t == typeof(double) => (ValueGetter<double>)((ref double value) => value = numbers[index]),
        var t when t == typeof(bool) => (ValueGetter<bool>)((ref bool value) => value = numbers[index] is not (0 or float.NaN)),
        var t when t == typeof(sbyte) => (ValueGetter<sbyte>)((ref sbyte value) => value = sbyte.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(byte) => (ValueGetter<byte>)((ref byte value) => value = byte.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(short) => (ValueGetter<short>)((ref short value) => value = short.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(ushort) => (ValueGetter<ushort>)((ref ushort value) => value = ushort.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(int) => (ValueGetter<int>)((ref int value) => value = int.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(uint) => (ValueGetter<uint>)((ref uint value) => value = uint.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(long) => (ValueGetter<long>)((ref long value) => value = long.CreateSaturating(Whole(numbers[index]))),
        var t when t == typeof(ulong) => (ValueGetter<ulong>)((ref ulong value) => value = ulong.CreateSaturating(Whole(numbers[index]))),
        var t => throw new NotSupportedException($"A number cannot be given as {t}."),
    };

    /// <summary>Makes the getter of a column that nothing reads: ML.NET asks for it when it binds.</summary>
    internal static Delegate Unread(DataViewType type) => (Delegate)Nothing.MakeGenericMethod(type.RawType).Invoke(null, null)!;

    private static ValueGetter<T> NothingOf<T>() => (ref T value) => value = default!;

    private static float Whole(float value) => float.IsNaN(value) ? 0 : value;
}
