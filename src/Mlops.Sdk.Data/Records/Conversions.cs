using System.Globalization;

namespace Mlops.Sdk.Data;

/// <summary>The one place where values change form. Tables and single rows both go through here, so training and serving cannot differ.</summary>
internal static class Conversions
{
    internal static bool IsNumeric(Type type) => Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.Decimal && !type.IsEnum;

    internal static long Ticks(DateOnly value) => value.ToDateTime(TimeOnly.MinValue).Ticks;

    internal static long Ticks(DateTime value) => value.Kind == DateTimeKind.Local ? value.ToUniversalTime().Ticks : value.Ticks;

    internal static long Ticks(DateTimeOffset value) => value.UtcTicks;

    /// <summary>Turns a table's number into a model's.</summary>
    internal static float Slot(double number) => (float)number;

    /// <summary>Turns a time, or a part of it, into a model's number.</summary>
    internal static float Slot(long ticks, DatePart part)
    {
        if (ticks == TimeColumn.Missing)
        {
            return float.NaN;
        }

        var time = new DateTime(ticks, DateTimeKind.Utc);
        return part switch
        {
            DatePart.Year => time.Year,
            DatePart.Month => time.Month,
            DatePart.DayOfWeek => (int)time.DayOfWeek,
            DatePart.Hour => time.Hour,
            _ => (float)(time - DateTime.UnixEpoch).TotalDays,
        };
    }

    /// <summary>Reads a field of a file. Culture plays no role; blanks around a value do not count; an empty field is no value.</summary>
    /// <param name="text">The field.</param>
    /// <param name="type">The type wanted, not Nullable.</param>
    /// <param name="value">The value, or null when the field is empty.</param>
    /// <returns>False when the field does not read as that type.</returns>
    internal static bool TryParse(string text, Type type, out object? value)
    {
        if (type == typeof(string))
        {
            value = text.Length == 0 ? null : text;
            return true;
        }

        text = text.Trim();
        value = null;
        if (text.Length == 0)
        {
            return true;
        }

        if (type.IsEnum)
        {
            return Enum.TryParse(type, text, ignoreCase: true, out value) && Enum.IsDefined(type, value!);
        }

        CultureInfo invariant = CultureInfo.InvariantCulture;
        const NumberStyles real = NumberStyles.Float | NumberStyles.AllowThousands;
        const NumberStyles whole = NumberStyles.Integer;
        bool ok;
        (ok, value) = Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => Boolean(text),
            TypeCode.SByte => (sbyte.TryParse(text, whole, invariant, out sbyte v), (object?)v),
            TypeCode.Byte => (byte.TryParse(text, whole, invariant, out byte v), v),
            TypeCode.Int16 => (short.TryParse(text, whole, invariant, out short v), v),
            TypeCode.UInt16 => (ushort.TryParse(text, whole, invariant, out ushort v), v),
            TypeCode.Int32 => (int.TryParse(text, whole, invariant, out int v), v),
            TypeCode.UInt32 => (uint.TryParse(text, whole, invariant, out uint v), v),
            TypeCode.Int64 => (long.TryParse(text, whole, invariant, out long v), v),
            TypeCode.UInt64 => (ulong.TryParse(text, whole, invariant, out ulong v), v),
            TypeCode.Single => (float.TryParse(text, real, invariant, out float v), v),
            TypeCode.Double => (double.TryParse(text, real, invariant, out double v), v),
            TypeCode.Decimal => (decimal.TryParse(text, real, invariant, out decimal v), v),
            TypeCode.DateTime => (DateTime.TryParse(text, invariant, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out DateTime v), v),
            _ => type == typeof(DateOnly) ? (DateOnly.TryParse(text, invariant, out DateOnly d), d)
                : (DateTimeOffset.TryParse(text, invariant, DateTimeStyles.AssumeUniversal, out DateTimeOffset o), o),
        };
        return ok;
    }

    private static (bool Ok, object? Value) Boolean(string text) => text switch
    {
        "1" => (true, true),
        "0" => (true, false),
        _ => (bool.TryParse(text, out bool value), value),
    };
}
