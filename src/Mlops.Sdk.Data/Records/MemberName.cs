using System.Linq.Expressions;

namespace Mlops.Sdk.Data;

/// <summary>Reads names out of lambdas such as <c>trip =&gt; trip.Fare</c>.</summary>
public static class MemberName
{
    /// <summary>Gets the name of the member a lambda picks.</summary>
    /// <param name="member">The lambda.</param>
    /// <returns>The name.</returns>
    /// <exception cref="ArgumentException">The lambda does more than picking a member.</exception>
    public static string Of(LambdaExpression member)
    {
        ArgumentNullException.ThrowIfNull(member);
        Expression body = member.Body is UnaryExpression { NodeType: ExpressionType.Convert } convert ? convert.Operand : member.Body;
        return body is MemberExpression { Expression: ParameterExpression } picked
            ? picked.Member.Name
            : throw new ArgumentException($"'{member}' should pick a member, as in x => x.Name.", nameof(member));
    }

    /// <summary>Gets the names of all members of its parameter that a lambda reads.</summary>
    /// <param name="lambda">The lambda.</param>
    /// <returns>The names.</returns>
    public static IReadOnlySet<string> AllIn(LambdaExpression lambda)
    {
        ArgumentNullException.ThrowIfNull(lambda);
        var collector = new Collector(lambda.Parameters[0]);
        collector.Visit(lambda.Body);
        return collector.Names;
    }

    private sealed class Collector(ParameterExpression row) : ExpressionVisitor
    {
        internal HashSet<string> Names { get; } = new(StringComparer.Ordinal);

        protected override Expression VisitMember(MemberExpression node)
        {
            if (node.Expression == row)
            {
                Names.Add(node.Member.Name);
            }

            return base.VisitMember(node);
        }
    }
}
