using System.Linq.Expressions;
using System.Reflection;

namespace Mlops.Sdk.Data;

/// <summary>What a member of a record becomes in a table.</summary>
internal enum MemberKind
{
    Number,
    Text,
    Time,
}

/// <summary>One member of a record: a column.</summary>
internal sealed class RecordMember
{
    private RecordMember(PropertyInfo property, Type type, bool nullable, MemberKind kind)
    {
        (Property, Type, Nullable, Kind) = (property, type, nullable, kind);
    }

    internal PropertyInfo Property { get; }

    internal string Name => Property.Name;

    /// <summary>Gets the type without Nullable around it.</summary>
    internal Type Type { get; }

    /// <summary>Gets whether the member can be without a value.</summary>
    internal bool Nullable { get; }

    internal MemberKind Kind { get; }

    internal NumberKind NumberKind => Type == typeof(bool) ? NumberKind.Boolean
        : Type == typeof(float) || Type == typeof(double) || Type == typeof(decimal) || Type == typeof(Half) ? NumberKind.Real : NumberKind.Integer;

    internal static RecordMember Of(PropertyInfo property, NullabilityInfoContext nullability)
    {
        Type? inner = System.Nullable.GetUnderlyingType(property.PropertyType);
        Type type = inner ?? property.PropertyType;
        bool nullable = inner is not null || (!type.IsValueType && nullability.Create(property).ReadState != NullabilityState.NotNull);
        return KindOf(type) is { } kind
            ? new RecordMember(property, type, nullable, kind)
            : throw new MlopsDataException(
                "data.unsupported_type",
                $"The member {property.DeclaringType!.Name}.{property.Name} is a {property.PropertyType.Name}. Columns can be numbers, bool, string, enums, DateOnly, DateTime and DateTimeOffset, each also nullable.");
    }

    /// <summary>Builds the conversion to a number: NaN when missing, false and true as 0 and 1.</summary>
    internal Expression ToNumber(Expression record) => Convert(record, Expression.Constant(double.NaN), value =>
        Type == typeof(bool) ? Expression.Condition(value, Expression.Constant(1.0), Expression.Constant(0.0)) : Expression.Convert(value, typeof(double)));

    /// <summary>Builds the conversion to a text: null when missing.</summary>
    internal Expression ToText(Expression record) => Type == typeof(string)
        ? Expression.Property(record, Property)
        : Convert(record, Expression.Constant(null, typeof(string)), value =>
            Expression.Call(typeof(EnumNames<>).MakeGenericType(Type).GetMethod(nameof(EnumNames<DayOfWeek>.Of), BindingFlags.Static | BindingFlags.NonPublic)!, value));

    /// <summary>Builds the conversion to UTC ticks.</summary>
    internal Expression ToTicks(Expression record) => Convert(record, Expression.Constant(TimeColumn.Missing), value =>
        Expression.Call(typeof(Conversions), nameof(Conversions.Ticks), null, value));

    private static MemberKind? KindOf(Type type) =>
        type == typeof(string) || type.IsEnum ? MemberKind.Text
        : type == typeof(DateOnly) || type == typeof(DateTime) || type == typeof(DateTimeOffset) ? MemberKind.Time
        : type == typeof(bool) || Conversions.IsNumeric(type) ? MemberKind.Number
        : null;

    private Expression Convert(Expression record, Expression missing, Func<Expression, Expression> convert)
    {
        Expression value = Expression.Property(record, Property);
        return System.Nullable.GetUnderlyingType(Property.PropertyType) is null
            ? convert(value)
            : Expression.Condition(Expression.Property(value, "HasValue"), convert(Expression.Property(value, "Value")), missing);
    }
}

/// <summary>The names of an enum's values, without an allocation per call.</summary>
internal static class EnumNames<TEnum>
    where TEnum : struct, Enum
{
    private static readonly Dictionary<TEnum, string> Names = Enum.GetValues<TEnum>().Distinct().ToDictionary(v => v, v => v.ToString());

    internal static string Of(TEnum value) => Names.TryGetValue(value, out string? name) ? name : value.ToString();
}
